/** The SDK's module, of which the commands come. It is loaded when a bucket starts. */
export type S3Module = typeof import('@aws-sdk/client-s3')
