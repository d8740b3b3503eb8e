package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nsc-federation/nsc/test/load/histogram"
)

// request is one request as it goes over the wire.
type request []byte

func post(host, path, form string, header ...string) request {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n",
		path, host, len(form))
	for _, line := range header {
		b.WriteString(line + "\r\n")
	}
	b.WriteString("\r\n" + form)
	return b.Bytes()
}

func get(host, path string) request {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host)
}

// connection is one of those that stay open.
type connection struct {
	net.Conn
	reader *bufio.Reader
	body   bytes.Buffer
	took   histogram.Histogram
}

func dial(address string, n int) ([]*connection, error) {
	all := make([]*connection, n)
	for i := range all {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return nil, err
		}
		all[i] = &connection{Conn: conn, reader: bufio.NewReaderSize(conn, 16<<10)}
	}
	return all, nil
}

// ask sends a request and reads the whole answer, which must be a 200.
func (c *connection) ask(r request) error {
	if _, err := c.Write(r); err != nil {
		return err
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return err
	}
	c.body.Reset()
	if _, err := io.Copy(&c.body, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", response.Status, c.body.Bytes())
	}
	return nil
}

// outcome is what a run of the client saw.
type outcome struct {
	took   time.Duration // all of it
	answer histogram.Histogram
	bodies [][]byte // where they were asked for
}

// closedLoop makes all requests, each connection its next one when the one before is answered.
func closedLoop(ctx context.Context, address string, connections int, requests []request, keep bool) (*outcome, error) {
	o := &outcome{}
	if keep {
		o.bodies = make([][]byte, len(requests))
	}
	var next atomic.Int64
	err := o.run(address, connections, func(c *connection) error {
		for ctx.Err() == nil {
			i := int(next.Add(1)) - 1
			if i >= len(requests) {
				return nil
			}
			began := time.Now()
			if err := c.ask(requests[i]); err != nil {
				return err
			}
			c.took.Record(time.Since(began))
			if keep {
				o.bodies[i] = bytes.Clone(c.body.Bytes())
			}
		}
		return ctx.Err()
	})
	return o, err
}

// openLoop makes requests at a rate per second, whether those before are answered or not, and counts the time of each
// from the moment at which it was due.
func openLoop(ctx context.Context, address string, connections int, requests []request, rate float64) (*outcome, error) {
	o := &outcome{}
	var next atomic.Int64
	began := time.Now()
	err := o.run(address, connections, func(c *connection) error {
		for ctx.Err() == nil {
			i := int(next.Add(1)) - 1
			if i >= len(requests) {
				return nil
			}
			due := began.Add(time.Duration(float64(i) / rate * float64(time.Second)))
			time.Sleep(time.Until(due))
			if err := c.ask(requests[i]); err != nil {
				return err
			}
			c.took.Record(time.Since(due))
		}
		return ctx.Err()
	})
	return o, err
}

// run runs the work of every connection to its end.
func (o *outcome) run(address string, connections int, work func(*connection) error) error {
	all, err := dial(address, connections)
	if err != nil {
		return err
	}
	failures := make([]error, len(all))
	var wait sync.WaitGroup
	began := time.Now()
	for i, c := range all {
		wait.Go(func() {
			failures[i] = errors.Join(work(c), c.Close())
		})
	}
	wait.Wait()
	o.took = time.Since(began)
	for _, c := range all {
		o.answer.Add(&c.took)
	}
	return errors.Join(failures...)
}

// hostOf returns the address of a URL.
func hostOf(url string) string { return strings.TrimPrefix(url, "http://") }
