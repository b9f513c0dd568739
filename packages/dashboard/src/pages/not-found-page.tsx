import { Link } from "wouter";
import { TopBar } from "../parts/top-bar.tsx";
import { Notice } from "../ui/notice.tsx";

export function NotFoundPage() {
  return (
    <>
      <TopBar />
      <main id="content" className="page">
        <Notice tone="info" title="There is no page at this address.">
          <p>
            <Link href="/">Go to the fleet</Link>
          </p>
        </Notice>
      </main>
    </>
  );
}
