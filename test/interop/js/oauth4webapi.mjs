// Access tokens checked as RFC 9068 has a service check them, by oauth4webapi, which finds the issuer by RFC 8414.
import * as oauth from 'oauth4webapi'

const servers = new Map()

// insecure is what plain HTTP needs; HTTPS stays as strict as it is by default.
function insecure(issuer) {
  return { [oauth.allowInsecureRequests]: issuer.startsWith('http:') }
}

async function discover(issuer) {
  const url = new URL(issuer)
  const response = await oauth.discoveryRequest(url, { algorithm: 'oauth2', ...insecure(issuer) })
  return oauth.processDiscoveryResponse(url, response)
}

export async function verify({ issuer, audience, token }) {
  if (!servers.has(issuer)) {
    servers.set(issuer, await discover(issuer))
  }
  const request = new Request(audience, { headers: { authorization: `Bearer ${token}` } })
  const options = { ...insecure(issuer), [oauth.clockTolerance]: 0 } // half a minute unless told
  const claims = await oauth.validateJwtAccessToken(servers.get(issuer), request, audience, options)
  return { subject: claims.sub }
}

// explain names what in the token was not accepted.
export function explain(error) {
  switch (error.code) {
    case oauth.JWT_CLAIM_COMPARISON:
    case oauth.JWT_TIMESTAMP_CHECK:
      return { refused: error.cause.claim }
    case oauth.KEY_SELECTION:
      return { refused: 'kid' }
  }
  if (/signature verification failed/.test(error.message)) {
    return { refused: 'signature' }
  }
  if (/"typ"/.test(error.message)) {
    return { refused: 'typ' }
  }
}
