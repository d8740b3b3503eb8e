module github.com/nsc-federation/nsc/test/kubernetes

go 1.26
