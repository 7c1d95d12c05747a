/** The OpenAPI 3.1 description of the API, as /api/v1/openapi.json serves it. */
import type * as v from 'valibot'
import { BLOCK_STATES } from '../../catalogue/catalogue.ts'
import { DEFAULT_LIMIT, MAX_LIMIT } from '../requests.ts'
import * as answers from './answers.ts'
import { type JsonSchema, jsonSchema } from './json-schema.ts'
import { StageStatus, Status } from './status.ts'
import { Timeline } from './timeline.ts'

/** Every schema of the answers by its name; `Failure` is `Error` to the readers of the API. */
const { Failure, syncEntries: _, ...rest } = answers
const SCHEMAS = { Error: Failure, ...rest, StageStatus, Status, Timeline }
const NAMES = new Map<unknown, string>(Object.entries(SCHEMAS).map(([name, schema]) => [schema, name]))

/** @param version of blockgate */
export function openApi(version: string): JsonSchema {
  return {
    openapi: '3.1.0',
    info: { title: 'blockgate', version, description: 'Which blocks this gateway serves, which not, and why.' },
    paths: PATHS,
    components: {
      schemas: Object.fromEntries(Object.entries(SCHEMAS).map(([name, schema]) => [name, jsonSchema(schema, NAMES)])),
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
  }
}

type Answers = Readonly<Record<number, { readonly description: string; readonly content: JsonSchema }>>

/** `more`: parameters and the like. */
const operation = (summary: string, responses: Answers, more: JsonSchema = {}) => ({ summary, responses, ...more })
const get = (...args: Parameters<typeof operation>) => ({ get: operation(...args) })
const body = (schema: v.GenericSchema) => ({
  'application/json': { schema: { $ref: `#/components/schemas/${NAMES.get(schema)}` } },
})
const json = (description: string, schema: v.GenericSchema) => ({ description, content: body(schema) })
const plain = (description: string) => ({ description, content: { 'text/plain': { schema: { type: 'string' } } } })
const query = (name: string, schema: JsonSchema, description: string) => ({ name, in: 'query', schema, description })

const BLOCKS_QUERY = [
  query('state', { type: 'string', enum: BLOCK_STATES }, 'Only blocks in this state'),
  query('reason', { type: 'string', maxLength: 64 }, 'Only blocks with this reason'),
  query(
    'label',
    { type: 'string', maxLength: 1000 },
    'Only blocks whose labels, as they are shown, contain this: `cluster="eu"`',
  ),
  query('from', { type: 'string' }, 'Only blocks with samples behind this time: RFC 3339, or milliseconds'),
  query('to', { type: 'string' }, 'Only blocks with samples before this time'),
  query('limit', { type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT }, 'Blocks on a page'),
  query('after', { type: 'string' }, 'Only blocks behind this ULID: the `next` of the page before'),
]

const PATHS = {
  '/-/healthy': get('Whether the process is there', {
    200: plain('It is'),
    503: json('Run after run a call of a plugin threw that must not throw', answers.Failure),
  }),
  '/-/ready': get('Whether every block got a verdict', {
    200: plain('Yes'),
    503: json('Not yet, or not any more', answers.Failure),
  }),
  '/metrics': get('Metrics for Prometheus', { 200: plain('Text format 0.0.4') }),
  '/api/v1/openapi.json': get('This description', {
    200: { description: 'OpenAPI 3.1', content: { 'application/json': { schema: { type: 'object' } } } },
  }),
  '/api/v1/blocks': get(
    'Every block of the view, in the order of their ULIDs',
    { 200: json('One page', answers.Blocks), 400: json('A parameter does not fit', answers.Failure) },
    {
      parameters: BLOCKS_QUERY,
    },
  ),
  '/api/v1/blocks/{ulid}': get(
    'One block, with its history',
    {
      200: json('The block', answers.BlockDetails),
      400: json('It is no ULID', answers.Failure),
      404: json('It is not in the view', answers.Failure),
    },
    { parameters: [{ name: 'ulid', in: 'path', required: true, schema: { type: 'string' } }] },
  ),
  '/api/v1/ring': get('The gateways that know of each other', {
    200: json('The members, by id', answers.Ring),
    404: json('The ownership plugin has no members', answers.Failure),
    503: json('The member store cannot be reached', answers.Failure),
  }),
  '/api/v1/serving': get(
    'What a client may ask this gateway for, at one instant',
    {
      200: json('Readiness and blocks', answers.Serving),
      304: { description: 'The same as the answer with this ETag', content: {} },
    },
    { parameters: [{ name: 'if-none-match', in: 'header', schema: { type: 'string' }, description: 'An ETag' }] },
  ),
  '/api/v1/runs': get('The last runs, and the one that goes on', { 200: json('Runs', answers.Runs) }),
  '/api/v1/sync': {
    post: operation(
      'Asks for a run',
      {
        202: json('It begins when the run before it has ended', answers.SyncAccepted),
        400: json('The body does not fit', answers.Failure),
        401: json('The bearer token is missing or wrong', answers.Failure),
        403: json('Without a token in the config: not from this machine', answers.Failure),
        413: json('The body is too long', answers.Failure),
        415: json('The body is no JSON', answers.Failure),
        503: json('The gateway is stopping', answers.Failure),
      },
      {
        requestBody: { required: false, content: body(answers.SyncRequest) },
        security: [{ token: [] }, {}],
      },
    ),
  },
  '/api/v1/notify': {
    post: operation(
      'Says that blocks were uploaded: the bucket is listed soon',
      {
        202: json('What was understood', answers.Notice),
        400: json('The body does not fit', answers.Failure),
        401: json('The bearer token is missing or wrong', answers.Failure),
        403: json('Without a token in the config: not from this machine', answers.Failure),
        413: json('The body is too long', answers.Failure),
        415: json('The body is no JSON', answers.Failure),
        503: json('The gateway is stopping', answers.Failure),
      },
      {
        requestBody: {
          required: true,
          description: 'Or an event notification of S3, an event of EventBridge, or messages of R2, as they are',
          content: body(answers.Notification),
        },
        security: [{ token: [] }, {}],
      },
    ),
  },
  '/api/v1/timeline': get(
    'Blocks whose times are known, by columns: for pictures of 100,000 of them',
    { 200: json('One page', Timeline), 400: json('A parameter does not fit', answers.Failure) },
    { parameters: BLOCKS_QUERY },
  ),
  '/api/v1/events': get(
    'How the gateway is, as Server-Sent Events: `status` with how all blocks are, `run` with each run that has ended',
    {
      200: {
        description: 'The `data` of each `status` is a Status, that of each `run` a Run',
        content: { 'text/event-stream': { schema: { type: 'string' } } },
      },
      503: json('Too many clients listen, or the gateway is stopping', answers.Failure),
    },
    {
      parameters: [
        {
          name: 'last-event-id',
          in: 'header',
          schema: { type: 'string' },
          description: 'The last id that was read: only what is newer is told',
        },
      ],
    },
  ),
}
