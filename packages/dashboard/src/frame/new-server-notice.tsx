import { CopyLine } from "../ui/copy-line.tsx";
import { Notice } from "../ui/notice.tsx";

/** For whoever comes to a server before it has an administrator: where the link that creates one stands. */
export function NewServerNotice({ command }: { readonly command: string }) {
  return (
    <Notice tone="info" icon="house" title="This server is new: nobody administers it yet.">
      <p>
        The link to create its administrator stands in the terminal in which it was started, or at the end of its log.
        It works once. Another one is made by this command, on the machine of the server:
      </p>
      <CopyLine label="Command that makes the link" text={command} />
    </Notice>
  );
}
