package server

import (
	"errors"
	"net"
	"os"
	"syscall"

	"github.com/nsc-federation/nsc/internal/failure"
)

// listeners are the addresses of a configuration, taken. Whoever comes before the server is ready waits.
type listeners struct {
	public, metrics net.Listener // metrics is nil where nobody wants them
}

// openPlace takes the folder and the addresses. A folder that is there is locked first, so that a second server on it hears
// of the lock and not of the address (rule 37). It is made and claimed last: where the addresses are taken, nothing was
// changed.
func openPlace(c Config, purpose string) (*folder, *listeners, error) {
	f, err := lockIfThere(c.DataDir)
	if errors.Is(err, errLocked) {
		err = failure.Wrap(failure.Failed, err, err.Error(), "stop it first, or give this one its own --data-dir")
	}
	if err != nil {
		return nil, nil, err
	}
	l, err := openListeners(c)
	if err != nil {
		f.close()
		return nil, nil, err
	}
	if f == nil {
		f, err = makeFolder(c.DataDir)
	}
	if err == nil {
		err = f.claim(purpose)
	}
	if err != nil {
		f.close()
		l.close()
		return nil, nil, err
	}
	return f, l, nil
}

func openListeners(c Config) (*listeners, error) {
	public, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, listenFailure("listen", err)
	}
	l := &listeners{public: public}
	if c.MetricsListen != "" {
		if l.metrics, err = net.Listen("tcp", c.MetricsListen); err != nil {
			l.close()
			return nil, listenFailure("metrics_listen", err)
		}
	}
	return l, nil
}

// listenFailure says what to do about an address that cannot be listened on.
func listenFailure(key string, err error) error {
	todo := "give an address of this machine as " + key
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		todo = "another program has this address, maybe another nsc: stop it, or give another " + key
	case errors.Is(err, os.ErrPermission):
		todo = "this user may not take this port: give one above 1023 as " + key + ", or let the program bind it (CAP_NET_BIND_SERVICE)"
	}
	return failure.Wrap(failure.Failed, err, key+": "+err.Error(), todo)
}

// close gives the addresses up. The servers have closed those that they served.
func (l *listeners) close() {
	_ = l.public.Close()
	if l.metrics != nil {
		_ = l.metrics.Close()
	}
}
