import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { cases } from './case.ts'

const makeCase = cases()

/** What the server answers until it closes the connection. */
function answer(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(request))
    socket.setEncoding('utf8').on('data', part => {
      text += part
    })
    socket.on('end', () => resolve(text)).on('error', reject)
  })
}

it('a health check in HTTP/1.0 without a Host header gets 200, with GET and with HEAD', async () => {
  const project = makeCase()
  project.block('01M3TMBBX0HA00000000000000')
  const port = Number(new URL((await project.serve()).url).port)
  for (const path of ['/-/healthy', '/-/ready']) {
    for (const method of ['GET', 'HEAD']) {
      expect(await answer(port, `${method} ${path} HTTP/1.0\r\n\r\n`), `${method} ${path}`).toMatch(/^HTTP\/1\.\d 200 /)
    }
    const withHost = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`
    expect(await answer(port, withHost), path).toMatch(/^HTTP\/1\.1 200 /)
  }
})
