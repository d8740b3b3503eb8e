package identity

import "net/http"

// Client returns a client for calls that the server makes on its operator's behalf, as a webhook's. It goes through the
// dialer that everything outbound goes through (rule 35): public addresses only, except those that are listed for the
// given workspace, and no proxy from the environment. It follows no redirect. Plain says that it is for HTTP without TLS.
func Client(o Options, workspace string, plain bool) *http.Client {
	c := channel{
		fetcher: &fetcher{
			allowLoopback: o.AllowLoopback,
			dialer:        &dialer{allowLoopback: o.AllowLoopback, exceptions: o.Exceptions},
		},
		workspace: workspace,
	}
	client := c.client(plain)
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client
}
