/** For `vi.waitFor()`: only what never comes ends it, whatever else fills the machine. Less than the time of a test. */
export const PATIENCE = { timeout: 240_000, interval: 20 }
