// What the tests in workerd are bound to (test/wrangler.toml). The global types of Workers would clash with those of the web.
declare module 'cloudflare:workers' {
  export const env: { readonly BLOCKS: import('@cloudflare/workers-types').R2Bucket }
}
