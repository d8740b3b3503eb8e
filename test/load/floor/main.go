// Command floor is the standard library doing only what each call to nsc cannot do without: read the request, verify
// the token, sign the answer, write it. It keeps no record, but for the calls that show what a durable one
// costs at least, knows one issuer and checks nothing that could be left out.
// What nsc costs above it is what nsc adds.
package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run() error {
	trusted := flag.String("trusted", "", "PEM file of the public keys whose tokens are accepted")
	database := flag.String("database", "", "URL of the PostgreSQL database in which payloads become durable; none: a file")
	flag.Parse()
	keys, err := readKeys(*trusted)
	if err != nil {
		return err
	}
	s, err := newServer(keys, *database)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("floor is ready at http://%s\n", listener.Addr())
	return http.Serve(listener, s.handler())
}
