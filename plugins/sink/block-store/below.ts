/** `name` below `path`, which is '' for the root of the disk. */
export function below(path: string, name: string): string {
  return path === '' ? name : `${path}/${name}`
}
