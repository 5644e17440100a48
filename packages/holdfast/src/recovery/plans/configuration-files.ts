/** Files that hold configuration, where the orchestrator runs. */
export interface ConfigurationFiles {
  /** What is wrong with a path, or undefined. */
  refuses?(path: string): string | undefined;
  /** A file's text; null when there is none. */
  read(path: string, options: { readonly signal: AbortSignal }): Promise<string | null>;
  /** Puts a text in the place of the whole file, at once and durably; null removes it. */
  replace(path: string, text: string | null, options: { readonly signal: AbortSignal }): Promise<void>;
}
