import { useState } from "react";

/** Puts the text into the clipboard; false where there is none, as without TLS. */
export function useCopy(text: string): { readonly isCopied: boolean; readonly copy: () => Promise<boolean> } {
  const [copied, setCopied] = useState<string | null>(null);
  const copy = async (): Promise<boolean> => {
    if (navigator.clipboard === undefined) return false;
    await navigator.clipboard.writeText(text);
    setCopied(text);
    return true;
  };
  return { isCopied: copied === text, copy };
}
