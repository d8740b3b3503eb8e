package api

import (
	"encoding/json"
	"time"
)

// LoggedEvent returns the event that a line of the log has as its canonical encoding. Members that this release does not
// know are a newer server's, and no error.
func LoggedEvent(canonical string) (Event, error) {
	var c struct {
		Event
		Time  int64 `json:"time"` // microseconds, as all times there are
		Token *struct {
			EventToken
			ExpiresAt int64 `json:"expires_at"`
		} `json:"token"`
	}
	if err := json.Unmarshal([]byte(canonical), &c); err != nil {
		return Event{}, err
	}
	e := c.Event
	e.Time = time.UnixMicro(c.Time).UTC()
	if c.Token != nil {
		c.Token.EventToken.ExpiresAt = time.UnixMicro(c.Token.ExpiresAt).UTC()
		e.Token = &c.Token.EventToken
	}
	return e, nil
}
