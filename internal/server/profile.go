package server

import (
	"net/http"
	"net/http/pprof"
)

// handleProfiles serves Go's profiles, of what the server does with its processors and its memory. They are on the
// administration socket and nowhere else: a profile tells about requests of others and takes time to make, and whoever
// reaches the socket could read the process's memory anyway.
//
//	curl --unix-socket DATA-DIR/admin.sock -o cpu.pprof 'http://admin/debug/pprof/profile?seconds=10'
func handleProfiles(mux *http.ServeMux) {
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/{profile}", func(w http.ResponseWriter, r *http.Request) {
		pprof.Handler(r.PathValue("profile")).ServeHTTP(w, r)
	})
}
