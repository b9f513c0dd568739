import { Component, type ReactNode } from "react";

interface ErrorBoundaryProps {
  /** What is shown in place of `children` once something in them has thrown. */
  readonly fallback: (error: unknown) => ReactNode;
  readonly children: ReactNode;
}

/** Catches what its children throw while they render. React has no hook for it. */
export class ErrorBoundary extends Component<ErrorBoundaryProps, { readonly error: unknown; readonly broke: boolean }> {
  override state = { error: undefined, broke: false };

  static getDerivedStateFromError(error: unknown) {
    return { error, broke: true };
  }

  override render(): ReactNode {
    return this.state.broke ? this.props.fallback(this.state.error) : this.props.children;
  }
}
