package main

// rules are mutations of what the API server refuses, whoever asks.
func rules() []mutation {
	const (
		records  = "config/crd/bases/credentialreset.dev_resetrecords.yaml"
		requests = "config/crd/bases/credentialreset.dev_usercredentialresets.yaml"
	)
	ask := func(run string) tests { return tests{pkg: "test/api", run: "^" + run + "$", hasChildren: true} }
	return []mutation{
		{
			"an attempt may be appended after a loss", onePost, records,
			`o.result in ['NotSent', 'Refused'] &&`, `o.result in ['NotSent', 'Refused', 'Unconfirmed'] &&`, ask("TestAttemptsAreAppendedAfterProof"),
		},
		{
			"two attempts may be appended at a time", onePost, records,
			`size(self) <= size(oldSelf) + 1`, `size(self) <= size(oldSelf) + 2`, ask("TestAttemptsAreAppendedAfterProof"),
		},
		{
			"an attempt may be removed", onePost, records,
			`oldSelf.all(o, self.exists(n, n.id == o.id))`, `oldSelf.all(o, self.exists(n, n.id == o.id || n.id == self[0].id))`, ask("TestAttemptsStayWhereTheyAre"),
		},
		{
			"a result may be written twice", onePost, records,
			`'!has(oldSelf.result) || (has(self.result) && self.result ==
                  oldSelf.result &&`, `'!has(oldSelf.result) || (has(self.result) && oldSelf.result ==
                  oldSelf.result &&`, ask("TestAnAttemptIsWrittenOnce"),
		},
		{
			"the target of a record may change", pinned, records,
			`            - message: target is frozen
              reason: FieldValueForbidden
              rule: self == oldSelf`, `            - message: target is frozen
              reason: FieldValueForbidden
              rule: self.username == oldSelf.username`, ask("TestIdentityOfARecordIsFrozen"),
		},
		{
			"the spec of a request may change", pinned, requests,
			`              rule: self == oldSelf`, `              rule: self.type == oldSelf.type`, ask("TestSpecOfARequestIsImmutable"),
		},
		{
			"an outcome may be taken back", finishedFree, requests,
			`'!has(oldSelf.outcome) || has(self.outcome) && (`, `'!has(oldSelf.outcome) || !has(self.outcome) || (`, ask("TestOutcomeStays"),
		},
	}
}
