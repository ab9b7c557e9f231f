// What dropped or chosen folders say of labels: a folder with pictures in it is a label, else its subfolders are.

const PICTURE = /\.(jpe?g|jpe|jfif|png|webp|gif|tiff?|bmp|dib|avif|heic|heif|hif|jp2|j2k|jpf|jpx)$/i;

/** Whether a file looks like a picture by its name or type; what it is, the server sees. */
export const isPicture = ({ file, name }) => file.type.startsWith("image/") || PICTURE.test(name);

/** The labels that these files {file, name} have by their folders: {labels: Map of label → files with the `path` below
 * its label's holder, loose: files in no folder, others: files that are no pictures}. */
export function byLabel(files) {
  const [labels, loose, others] = [new Map(), [], []];
  const direct = new Set(files.filter(isPicture).map(({ name }) => name.split("/")).filter((parts) => parts.length === 2).map(([folder]) => folder));
  for (const one of files) {
    const parts = one.name.split("/");
    const at = direct.has(parts[0]) ? 0 : 1; // which of the folders is the label
    if (!isPicture(one)) others.push(one);
    else if (parts.length < at + 2) loose.push(one);
    else {
      const label = parts[at];
      labels.set(label, [...(labels.get(label) ?? []), { ...one, path: parts.slice(at).join("/") }]);
    }
  }
  return { labels: new Map([...labels].sort(([one], [other]) => one.localeCompare(other))), loose, others };
}
