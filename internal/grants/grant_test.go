package grants

import "testing"

func TestRule04WhatAGrantAllows(t *testing.T) {
	for rule, row := range map[string]struct {
		grant            Grant
		kind, id, action string
		want             bool
	}{
		"what it names":                     {Grant{Registry, "team/app", []string{"pull"}}, Registry, "team/app", "pull", true},
		"another action":                    {Grant{Registry, "team/app", []string{"pull"}}, Registry, "team/app", "push", false},
		"another resource":                  {Grant{Registry, "team/app", []string{"pull"}}, Registry, "team/app2", "pull", false},
		"another type":                      {Grant{Registry, "team/app", []string{"pull"}}, HTTP, "team/app", "pull", false},
		"a type that nobody knows":          {Grant{"moon", "sea", []string{"walk"}}, "moon", "sea", "walk", true},
		"a pattern of an unknown type":      {Grant{"moon", "*", []string{"walk"}}, "moon", "sea", "walk", false},
		"below a pattern":                   {Grant{HTTP, "h/api/*", []string{"get"}}, HTTP, "h/api/a/b", "get", true},
		"beside a pattern":                  {Grant{HTTP, "h/api/*", []string{"get"}}, HTTP, "h/apis/a", "get", false},
		"a pattern that does not compile":   {Grant{HTTP, "h/**", []string{"get"}}, HTTP, "h/x", "get", false},
		"everything of a type":              {Grant{HTTP, "*", []string{"get"}}, HTTP, "h/a:b", "get", true},
		"above a pattern, by dots":          {Grant{HTTP, "h/*", []string{"get"}}, HTTP, "h/a/../../b", "get", false},
		"every method":                      {Grant{HTTP, "h/*", []string{"*"}}, HTTP, "h/x", "delete", true},
		"* is an action of http alone":      {Grant{Registry, "team/*", []string{"*"}}, Registry, "team/app", "pull", false},
		"no pattern in a type without them": {Grant{Kubernetes, "a*", []string{"user"}}, Kubernetes, "ab", "user", false},
		"every noun of a workspace":         {Grant{Workspace, "*", []string{"write"}}, Workspace, "trust", "read", true},
		"admin includes write":              {Grant{Workspace, "trust", []string{"admin"}}, Workspace, "trust", "write", true},
		"read does not include write":       {Grant{Workspace, "trust", []string{"read"}}, Workspace, "trust", "write", false},
		"read includes read in its type":    {Grant{Registry, "a", []string{"write"}}, Registry, "a", "read", false},
		"the administrator":                 {Grant{Workspace, "*", []string{"admin"}}, Docker, "h", "container:create", true},
		"admin of a noun is not he":         {Grant{Workspace, "key", []string{"admin"}}, Docker, "h", "container:create", false},
		"write of all is not he":            {Grant{Workspace, "*", []string{"write"}}, Docker, "h", "container:create", false},
		"nothing, for the administrator":    {Grant{Workspace, "*", []string{"admin"}}, Docker, "", "container:create", false},
		"nothing":                           {Grant{HTTP, "", []string{"get"}}, HTTP, "", "get", false},
		"no action":                         {Grant{HTTP, "h/x", nil}, HTTP, "h/x", "", false},
		"the zero grant":                    {Grant{}, "", "", "", false},
	} {
		t.Run(rule, func(t *testing.T) {
			if got := row.grant.Allows(row.kind, row.id, row.action); got != row.want {
				t.Errorf("%v allows %s on %s %s: %v", row.grant, row.action, row.kind, row.id, got)
			}
			wanted := Grant{row.kind, row.id, []string{row.action}}
			if row.id != "" && row.grant.Covers(row.kind, wanted.Resources(), row.action) != row.want {
				t.Errorf("%v covers %v: %v", row.grant, wanted, !row.want)
			}
		})
	}
}
