/** Rows that a team has computed, as encoding uses them. The app implements it over the team's memory. */
export interface SharedRows {
  /**
   * Reads records into the store. Returns the keys that the team has and that found no room.
   * @throws when the signal aborts; never because of the team's store
   */
  pull(keys: readonly string[], signal: AbortSignal, progress: () => void): Promise<ReadonlySet<string>>;
  /** Everything that this process could encode is stored. */
  passEnded(): void;
}
