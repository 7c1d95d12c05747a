// Wrangler without a network, and with the engine from src: https://developers.cloudflare.com/workers/wrangler/system-environment-variables/

/** @type {Readonly<Record<string, string>>} */
export const WRANGLER_ENV = {
  WRANGLER_BUILD_CONDITIONS: 'blockgate-source,workerd,worker,browser',
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  // The local request.cf is not asked for at workers.cloudflare.com.
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
}
