/** What a bundle for Workers has in the place of undici, which needs Node: there requests go over fetch. See `imports` in package.json. */
export const Client: typeof import('undici').Client | undefined = undefined
