package main

// attacks are mutations of what keeps people out, most of which lies in config: each
// row of the twelve attacks in docs/security.md names one that its tests notice.
func attacks() []mutation {
	const requester = "config/rbac/requester_role.yaml"
	tried := tests{
		pkg:         "test/e2e",
		run:         "^Test(ARequesterCannotLeadTheTokenAway|EditOfANamespaceIsNoRightToReset|NobodyWritesTheNameOfAnother)$",
		hasChildren: true,
	}
	granted := tests{pkg: "test/api", run: "^TestRulesOfTheOperatorAreNarrow$", hasChildren: true}
	told := tests{pkg: "controllers", run: "^TestALineComesBeforeWhatItTellsOf$"}
	denied := tests{pkg: "controllers", run: "^TestADenialIsToldWithWhoDenied$"}
	return []mutation{
		{
			"who may ask may lead workspaces elsewhere", leastPower, requester,
			`resources: [usercredentialresets]
  verbs: [create, get, list, watch, delete]`, `resources: [usercredentialresets, rocketchatworkspaces]
  verbs: [create, get, list, watch, delete, patch]`, tried,
		},
		{
			"the right to ask comes with edit", leastPower, requester,
			`  name: credential-reset-requester
`, `  name: credential-reset-requester
  labels: {rbac.authorization.k8s.io/aggregate-to-edit: "true"}
`, tried,
		},
		{
			"approvers write any name", fourEyes, "config/policy/approved-by.yaml",
			`object.spec.approvedBy == request.userInfo.username`, `object.spec.approvedBy != ''`, tried,
		},
		{
			"requesters write any name", fourEyes, "config/policy/requested-by.yaml",
			`object.spec.requestedBy == request.userInfo.username`, `object.spec.requestedBy != ''`, tried,
		},
		{
			"the operator may list Secrets", leastPower, "config/rbac/role.yaml",
			`  - secrets
  verbs:
  - get
`, `  - secrets
  verbs:
  - get
  - list
`, granted,
		},
		{
			"a workspace serves namespaces that it does not list", leastPower, "internal/reset/decide.go",
			`(allowed != nil && slices.Contains(allowed.Names, namespace))`, `(allowed == nil || slices.Contains(allowed.Names, namespace))`, resetTests(),
		},
		{
			"a workspace uses more than its budget", withinBudget, "internal/reset/decide.go",
			`ready, busy, budget, retry, withdrawn,`, `ready, busy, retry, withdrawn,`, resetTests(),
		},
		{
			"TLS of any age is spoken", secrets, "internal/rocketchat/client.go",
			`tls.VersionTLS12`, `tls.VersionTLS10`, chatTests(),
		},
		{
			"an authority that the Secret does not name is trusted", secrets, "internal/rocketchat/client.go",
			`RootCAs:    c.connection.roots,`, `InsecureSkipVerify: c.connection.roots != nil,`, chatTests(),
		},
		{
			"an attempt is claimed before the log tells of it", noLies, "controllers/claim.go",
			`	p.auditAttempt(auditAttemptBegun, "Attempt begun", p.held)
`, ``, told,
		},
		{
			"a request ends before the log tells of it", noLies, "controllers/usercredentialreset_controller.go",
			`	r.auditOutcome(request, observed.Request.Status.Outcome, observed.Record, denial)
`, `	_ = denial
`, told,
		},
		{
			"a denial does not tell who denied", noLies, "controllers/audit.go",
			`denial: denial, outcome`, `outcome`, denied,
		},
	}
}
