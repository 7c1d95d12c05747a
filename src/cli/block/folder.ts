/** A folder, wherever it is. Paths are relative to it. */
export interface BlockFolder {
  readonly where: string
  /** What the folder is named; a block's is its ULID. */
  readonly name: string
  readonly files: readonly { readonly path: string; readonly size: number }[]
  /** Exactly `length` bytes. */
  read(path: string, offset: number, length: number): Promise<Uint8Array>
}
