/** Has the browser save a text as a file. By a blob: its address tells nothing of the text, which may be secret, to the history of downloads. */
export function saveText(fileName: string, text: string, type = "text/plain"): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = fileName;
  link.click();
  URL.revokeObjectURL(url);
}
