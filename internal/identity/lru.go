package identity

import "container/list"

// lru keeps the most recently used values, up to a capacity. Its owner holds the lock.
type lru[K comparable, V any] struct {
	capacity int
	order    *list.List // of *pair[K, V], the most recently used first
	places   map[K]*list.Element
}

type pair[K comparable, V any] struct {
	key   K
	value V
}

func newLRU[K comparable, V any](capacity int) *lru[K, V] {
	return &lru[K, V]{capacity: capacity, order: list.New(), places: make(map[K]*list.Element)}
}

func (l *lru[K, V]) get(key K) (V, bool) {
	place, ok := l.places[key]
	if !ok {
		var none V
		return none, false
	}
	l.order.MoveToFront(place)
	return place.Value.(*pair[K, V]).value, true
}

func (l *lru[K, V]) put(key K, value V) {
	l.remove(key)
	if l.order.Len() >= l.capacity {
		l.remove(l.order.Back().Value.(*pair[K, V]).key)
	}
	l.places[key] = l.order.PushFront(&pair[K, V]{key, value})
}

func (l *lru[K, V]) remove(key K) {
	if place, ok := l.places[key]; ok {
		l.order.Remove(place)
		delete(l.places, key)
	}
}
