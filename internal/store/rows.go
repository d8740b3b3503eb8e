package store

import "database/sql"

// one turns the result of a statement that must have found its row into ErrNotFound where it did not.
func one(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return err
}

// all reads every row of a query.
func all[T any](rows *sql.Rows, err error, scan func(row) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		item, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, rows.Err()
}

// row is a sql.Row or a sql.Rows at one of its rows.
type row interface{ Scan(...any) error }

const maxPage = 1000

// page returns the size of a page: what was asked for, or the most there is.
func page(limit int) int {
	if limit <= 0 || limit > maxPage {
		return maxPage
	}
	return limit
}
