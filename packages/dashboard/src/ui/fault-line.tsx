/** What went wrong with what somebody just tried, where they look. */
export function FaultLine({ fault }: { readonly fault: string | null }) {
  if (fault === null) return null;
  return (
    <p className="bad" role="alert">
      {fault}
    </p>
  );
}
