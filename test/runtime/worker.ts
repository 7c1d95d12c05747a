// The worker that the tests in workerd are loaded into; it answers nothing itself.
export default { fetch: (): Response => new Response('blockgate tests') }
