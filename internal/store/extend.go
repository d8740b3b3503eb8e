package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/nsc-federation/nsc/internal/evidence"
	"github.com/nsc-federation/nsc/internal/id"
)

// The log's hashes are kept as tiles of 256, of the levels 0, 8, 16 and so on; those between are made of them where a
// proof needs them. To let a log grow needs its head and its last tile, however long it is.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// errOvertaken is returned where another node moved the head of a log meanwhile.
var errOvertaken = errors.New("another node moved the log")

// extend appends events to the logs of their workspaces and notes their indexes. The heads are moved by comparison with
// what they were read as, in the order of the workspaces, so that nodes cannot wait for each other in a circle.
func (s *Store) extend(ctx context.Context, tx *sql.Tx, list []sequenced) error {
	byWorkspace := map[key][]*sequenced{}
	var workspaces []key
	for i := range list {
		workspace := key(list[i].workspace())
		if byWorkspace[workspace] == nil {
			workspaces = append(workspaces, workspace)
		}
		byWorkspace[workspace] = append(byWorkspace[workspace], &list[i])
	}
	slices.SortFunc(workspaces, func(a, b key) int { return bytes.Compare(a[:], b[:]) })
	for _, workspace := range workspaces {
		g := growth{store: s, tx: tx, workspace: workspace, tiles: map[tileName]*tile{}}
		if err := g.grow(ctx, byWorkspace[workspace]); err != nil {
			return err
		}
	}
	return nil
}

// growth is one log in a transaction that lets it grow.
type growth struct {
	store     *Store
	tx        *sql.Tx
	workspace key
	frontier  evidence.Frontier
	tiles     map[tileName]*tile // that change
	err       error              // the first; it ends the transaction
}

type tileName struct{ level, number int64 }

// tile is a row of log_tiles.
type tile struct{ hashes, events []byte }

func (g *growth) grow(ctx context.Context, list []*sequenced) error {
	if err := g.readHead(ctx); err != nil {
		return err
	}
	before := g.frontier.Size()
	for _, e := range list {
		e.index = g.frontier.Size()
		leaf := evidence.Leaf(e.Salt, e.Body)
		last := g.tile(ctx, 0, e.index)
		last.hashes = append(last.hashes, leaf[:]...)
		last.events = append(last.events, e.encoded[atID:atWorkspace]...)
		g.frontier.Add(leaf, func(level int, number int64, h tlog.Hash) {
			if level%tileHeight == 0 {
				upper := g.tile(ctx, int64(level/tileHeight), number)
				upper.hashes = append(upper.hashes, h[:]...)
			}
		})
		if g.err != nil {
			return g.err
		}
	}
	if err := g.moveHead(ctx, before); err != nil { // which locks it: nobody else writes the tiles meanwhile
		return err
	}
	return g.writeTiles(ctx)
}

func (g *growth) readHead(ctx context.Context) error {
	var size int64
	var encoded []byte
	err := g.tx.StmtContext(ctx, g.store.hot.logHead).QueryRowContext(ctx, g.workspace[:]).Scan(&size, &encoded)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		g.frontier, err = evidence.DecodeFrontier(size, encoded)
	}
	return err
}

// tile returns the tile that a hash belongs into, as it is so far.
func (g *growth) tile(ctx context.Context, level, hash int64) *tile {
	name := tileName{level, hash / tileWidth}
	t := g.tiles[name]
	if t != nil {
		return t
	}
	t = &tile{make([]byte, 0, tileWidth*tlog.HashSize), []byte{}}
	g.tiles[name] = t
	if hash%tileWidth == 0 || g.err != nil {
		return t
	}
	var hashes, events []byte
	g.err = g.tx.StmtContext(ctx, g.store.hot.logTile).QueryRowContext(ctx, g.workspace[:], name.level, name.number).Scan(&hashes, &events)
	t.hashes, t.events = append(t.hashes, hashes...), append(t.events, events...)
	if g.err == nil && (int64(len(hashes)) != hash%tileWidth*tlog.HashSize || level == 0 && int64(len(events)) != hash%tileWidth*id.Size) {
		g.err = errDamaged
	}
	return t
}

func (g *growth) writeTiles(ctx context.Context) error {
	for name, t := range g.tiles {
		_, err := g.tx.StmtContext(ctx, g.store.hot.keepTile).ExecContext(ctx, g.workspace[:], name.level, name.number, t.hashes, t.events)
		if err != nil {
			return err
		}
	}
	return nil
}

func (g *growth) moveHead(ctx context.Context, before int64) error {
	stmt, args := g.store.hot.moveHead, []any{g.workspace[:], g.frontier.Size(), g.frontier.Encode(), before}
	if before == 0 {
		stmt, args = g.store.hot.newHead, args[:3]
	}
	err := one(g.tx.StmtContext(ctx, stmt).ExecContext(ctx, args...))
	if errors.Is(err, ErrNotFound) {
		return errOvertaken
	}
	return err
}
