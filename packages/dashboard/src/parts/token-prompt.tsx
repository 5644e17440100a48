import type { JSX } from "preact";
import { sessionToken, setToken } from "../browser/session-token.ts";

/** Where the server wants a token: asks for it, and says when it was the wrong one. */
export function TokenPrompt({ onToken }: { readonly onToken: () => void }): JSX.Element {
  const wasRefused = sessionToken.value !== "";
  return (
    <main class="token" id="content">
      <h1>This dashboard needs a token</h1>
      {wasRefused && (
        <p class="note bad" role="alert">
          The token was refused.
        </p>
      )}
      <p>It is the one that the node was started with. It is kept until this tab closes.</p>
      <form
        class="tools"
        onSubmit={(event) => {
          event.preventDefault();
          const { value } = event.currentTarget.elements.namedItem("token") as HTMLInputElement;
          if (value.trim() === "") return;
          setToken(value.trim());
          onToken();
        }}
      >
        <label>
          Token <input type="password" name="token" autocomplete="off" required />
        </label>
        <button type="submit" class="primary">
          Open
        </button>
      </form>
    </main>
  );
}
