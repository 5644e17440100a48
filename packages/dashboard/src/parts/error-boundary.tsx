import { Component, type ComponentChildren } from "preact";

interface Props {
  /** Another value tries again. */
  readonly place: string;
  readonly children: ComponentChildren;
}

interface State {
  readonly error: Error | null;
  readonly place: string;
}

/** A view that cannot be drawn says so, and leaves the rest of the page as it is. */
export class ErrorBoundary extends Component<Props, State> {
  override state: State = { error: null, place: this.props.place };

  static override getDerivedStateFromProps(props: Props, state: State): Partial<State> | null {
    return props.place === state.place ? null : { error: null, place: props.place };
  }

  override componentDidCatch(error: unknown): void {
    this.setState({ error: error instanceof Error ? error : new Error(String(error)) });
  }

  override render(): ComponentChildren {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return (
      <div class="note bad" role="alert">
        <p>This view cannot be drawn: {error.message}</p>
        <button type="button" onClick={() => this.setState({ error: null })}>
          Try again
        </button>
      </div>
    );
  }
}
