/** The version of package.json, where it cannot be read: a Worker has no disk. A test keeps the two equal. */
export const VERSION = '0.1.0'
