module github.com/nsc-federation/nsc/test/load

go 1.26.0
