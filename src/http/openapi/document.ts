/** The OpenAPI 3.1 description of the API, as /api/v1/openapi.json serves it. */
import { DEFAULT_LIMIT, MAX_LIMIT, STATES } from '../query.ts'
import { ref, SCHEMAS, type Schema } from './schemas.ts'

type Answers = Readonly<Record<number, { readonly description: string; readonly content: Schema }>>

/** @param version of blockgate */
export function openApi(version: string): Schema {
  return {
    openapi: '3.1.0',
    info: { title: 'blockgate', version, description: 'Which blocks this gateway serves, which not, and why.' },
    paths: {
      '/-/healthy': {
        get: operation('Whether the process is there', {
          200: plain('It is'),
          503: json('Run after run a call of a plugin threw that must not throw', 'Error'),
        }),
      },
      '/-/ready': {
        get: operation('Whether every block got a verdict', {
          200: plain('Yes'),
          503: json('Not yet, or not any more', 'Error'),
        }),
      },
      '/metrics': { get: operation('Metrics for Prometheus', { 200: plain('Text format 0.0.4') }) },
      '/api/v1/openapi.json': {
        get: operation('This description', {
          200: { description: 'OpenAPI 3.1', content: { 'application/json': { schema: { type: 'object' } } } },
        }),
      },
      '/api/v1/blocks': {
        get: {
          ...operation('Every block of the view, in the order of their ULIDs', {
            200: json('One page', 'Blocks'),
            400: json('A parameter does not fit', 'Error'),
          }),
          parameters: [
            query('state', { type: 'string', enum: STATES }, 'Only blocks in this state'),
            query('reason', { type: 'string', maxLength: 64 }, 'Only blocks with this reason'),
            query(
              'limit',
              { type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT },
              'Blocks on a page',
            ),
            query('after', { type: 'string' }, 'Only blocks behind this ULID: the `next` of the page before'),
          ],
        },
      },
      '/api/v1/blocks/{ulid}': {
        get: {
          ...operation('One block, with its history', {
            200: json('The block', 'BlockDetails'),
            400: json('It is no ULID', 'Error'),
            404: json('It is not in the view', 'Error'),
          }),
          parameters: [{ name: 'ulid', in: 'path', required: true, schema: { type: 'string' } }],
        },
      },
      '/api/v1/ring': {
        get: operation('The gateways that know of each other', {
          200: json('The members, by id', 'Ring'),
          404: json('The ownership plugin has no members', 'Error'),
          503: json('The member store cannot be reached', 'Error'),
        }),
      },
      '/api/v1/serving': {
        get: {
          ...operation('What a client may ask this gateway for, at one instant', {
            200: json('Readiness and blocks', 'Serving'),
            304: { description: 'The same as the answer with this ETag', content: {} },
          }),
          parameters: [{ name: 'if-none-match', in: 'header', schema: { type: 'string' }, description: 'An ETag' }],
        },
      },
      '/api/v1/runs': { get: operation('The last runs, and the one that goes on', { 200: json('Runs', 'Runs') }) },
      '/api/v1/sync': {
        post: {
          ...operation('Asks for a run', {
            202: json('It begins when the run before it has ended', 'SyncAccepted'),
            400: json('The body does not fit', 'Error'),
            401: json('The bearer token is missing or wrong', 'Error'),
            403: json('Without a token in the config: not from this machine', 'Error'),
            413: json('The body is too long', 'Error'),
            415: json('The body is no JSON', 'Error'),
            503: json('The gateway is stopping', 'Error'),
          }),
          requestBody: { required: false, content: { 'application/json': { schema: ref('SyncRequest') } } },
          security: [{ token: [] }, {}],
        },
      },
    },
    components: { schemas: SCHEMAS, securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  }
}

function operation(summary: string, responses: Answers): Schema {
  return { summary, responses }
}

function json(description: string, schema: Parameters<typeof ref>[0]): Answers[number] {
  return { description, content: { 'application/json': { schema: ref(schema) } } }
}

function plain(description: string): Answers[number] {
  return { description, content: { 'text/plain': { schema: { type: 'string' } } } }
}

function query(name: string, schema: Schema, description: string): Schema {
  return { name, in: 'query', schema, description }
}
