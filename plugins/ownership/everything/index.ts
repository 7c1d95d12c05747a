/** Owns every block: for one gateway, or several that all hold the same. It is the engine's own default. */
export { everything, everything as noSharding } from 'blockgate'
