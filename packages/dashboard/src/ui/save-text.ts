/** Has the browser save a text as a file. */
export function saveText(fileName: string, text: string, type = "text/plain"): void {
  saveBlob(fileName, new Blob([text], { type }));
}

/** Has the browser save a file. By a blob: its address tells nothing of what is in it, which may be secret, to the history of downloads. */
export function saveBlob(fileName: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = fileName;
  link.click();
  URL.revokeObjectURL(url);
}
