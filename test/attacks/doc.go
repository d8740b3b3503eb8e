// Package attacks lists the mistakes that others made with tokens, each with the test that shows that we did not, and
// with the naive code that the test fails on.
//
// A test that cannot fail shows nothing. So each row names a piece of our code and what somebody who knew no better
// would have written in its place. Every run checks that the tests and the pieces are there; `make attacks` puts the
// naive code in, one row after the other (by the go command's overlay, no file is changed), and wants each test to fail.
//
// SECURITY.md shows the list to people. What does not exist yet (sign-in, guards) gets its rows with it.
package attacks
