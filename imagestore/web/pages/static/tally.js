// How far a batch of uploads is, in the words that all of the product uses.

const STATUSES = ["classified", "unknown", "rejected", "failed"];

/** Counts the files of a batch: how many there are, how many could not be sent, and what became of the others. */
export class Tally {
  constructor() {
    this.all = 0;
    this.notSent = 0;
    this.byStatus = new Map(STATUSES.map((status) => [status, 0]));
  }

  /** A picture has its final record. */
  done(status) {
    this.byStatus.set(status, (this.byStatus.get(status) || 0) + 1);
  }

  get countDone() {
    return [...this.byStatus.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Whether nothing of the batch is under way any more. */
  get isComplete() {
    return this.countDone + this.notSent >= this.all;
  }

  /** Such as "150 of 200 done: 83 classified, 67 unknown", at the end "200 done: 83 classified, 117 unknown". */
  toString() {
    const parts = [...this.byStatus].filter(([, count]) => count > 0).map(([status, count]) => `${count} ${status}`);
    const done = this.isComplete ? `${this.countDone} done` : `${this.countDone} of ${this.all} done`;
    const said = parts.length > 0 ? `${done}: ${parts.join(", ")}` : done;
    return this.notSent > 0 ? `${said}; ${this.notSent} not sent` : said;
  }
}
