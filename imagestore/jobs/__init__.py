"""Long work: a job is a document that everyone who asks puts in and reads, and that a runner takes up.

Whoever asks uses `JobBoard` (board.py); `imagestore jobs run` is a `Runner` (runner.py), which takes jobs up under a
lease (lease.py) and starts model/job_child.py for each; that child is told by `Attempt` (attempt.py) whether the job is
still its own.
"""
