package main

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// gathering is how long a commit waits for more, which makes it dearer for one and cheaper for many.
const gathering = time.Millisecond

// journal is where texts are durable, many at once and one commit at a time: the least that a record can be. Nobody can
// find anything in it.
type journal struct {
	write      func(texts []byte) error // returns once they are durable
	committing sync.Mutex
	mu         sync.Mutex
	waiting    *commit
}

type commit struct {
	texts []byte
	done  chan struct{} // closed when err is known
	err   error
}

// openJournal returns a journal in a table of a PostgreSQL database, or else in a file.
func openJournal(database string) (*journal, error) {
	if database == "" {
		return journalFile()
	}
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return nil, err
	}
	_, err = conn.Exec(ctx, `CREATE TABLE journal (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, texts bytea NOT NULL);
		ALTER TABLE journal ALTER COLUMN texts SET STORAGE EXTERNAL`)
	return &journal{write: func(texts []byte) error {
		_, err := conn.Exec(ctx, `INSERT INTO journal (texts) VALUES ($1)`, texts)
		return err
	}}, err
}

// journalFile makes the file without a name, so that it goes with the process.
func journalFile() (*journal, error) {
	file, err := os.CreateTemp("", "floor")
	if err != nil {
		return nil, err
	}
	return &journal{write: func(texts []byte) error {
		_, err := file.Write(texts)
		return errors.Join(err, file.Sync())
	}}, os.Remove(file.Name())
}

// append returns once the text is durable.
func (j *journal) append(text []byte) error {
	j.mu.Lock()
	c := j.waiting
	first := c == nil
	if first {
		c = &commit{done: make(chan struct{})}
		j.waiting = c
	}
	c.texts = append(append(c.texts, text...), '\n')
	j.mu.Unlock()
	if first {
		time.Sleep(gathering)
		j.commit()
	}
	<-c.done
	return c.err
}

// commit writes what waits, which may be more than at the call: others come while the commit before is under way.
func (j *journal) commit() {
	j.committing.Lock()
	defer j.committing.Unlock()
	j.mu.Lock()
	c := j.waiting
	j.waiting = nil
	j.mu.Unlock()
	c.err = j.write(c.texts)
	close(c.done)
}
