package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/nsc-federation/nsc/internal/evidence"
)

// Log is where a workspace's Merkle log stands.
type Log struct {
	Origin      string   `json:"origin"`
	VerifierKey string   `json:"verifier_key"`
	Size        int64    `json:"size"`
	SignedSize  int64    `json:"signed_size"`
	Checkpoint  string   `json:"checkpoint,omitempty"`
	Cosigned    []string `json:"cosigned,omitempty"` // checkpoints with the cosignatures of witnesses
}

// Log returns where a workspace's log stands.
func (c *Client) Log(ctx context.Context, workspace, bearer string) (Log, error) {
	var l Log
	err := c.call(ctx, request{method: http.MethodGet, path: pathIn(workspace, "log"), bearer: bearer}, &l)
	return l, err
}

// LogEntries returns events of a log from an index on, at most limit; none past its end.
func (c *Client) LogEntries(ctx context.Context, workspace, bearer string, from int64, limit int) ([]evidence.Line, error) {
	var page struct {
		Items []evidence.Line `json:"items"`
	}
	query := url.Values{"from": {strconv.FormatInt(from, 10)}, "limit": {strconv.Itoa(limit)}}
	err := c.call(ctx, request{method: http.MethodGet, path: pathIn(workspace, "log", "entries"), bearer: bearer, query: query}, &page)
	return page.Items, err
}

// LogFrontier returns the roots of the complete subtrees that the first events of a log fall into.
func (c *Client) LogFrontier(ctx context.Context, workspace, bearer string, size int64) ([]tlog.Hash, error) {
	var answer struct {
		Hashes []tlog.Hash `json:"hashes"`
	}
	query := url.Values{"size": {strconv.FormatInt(size, 10)}}
	err := c.call(ctx, request{method: http.MethodGet, path: pathIn(workspace, "log", "frontier"), bearer: bearer, query: query}, &answer)
	return answer.Hashes, err
}
