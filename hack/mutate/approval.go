package main

// approvals are mutations of who may be reset with whose approval.
func approvals() []mutation {
	const (
		brakes     = "controllers/brakes.go"
		approval   = "internal/reset/approval.go"
		conclusion = "internal/reset/conclusion.go"
		pass       = "controllers/pass.go"
		policies   = "controllers/approvals.go"
	)
	schedules := tests{pkg: "controllers", run: "^TestEverySchedule$/^approval$", flags: "-explore.schedules=6000"}
	return []mutation{
		{
			"an approval of somebody else counts", fourEyes, approval,
			`o.Target == nil || a.Spec.UserID != o.Target.UserID`, `o.Target == nil`, resetTests(),
		},
		{
			"an approval of an earlier request counts", fourEyes, approval,
			`	case a.Spec.RequestUID != string(o.Request.UID):`, `	case a.Spec.RequestUID == "":`, resetTests(),
		},
		{
			"an approval in another namespace counts", fourEyes, approval,
			`a.Namespace == request.Namespace && `, ``, resetTests(),
		},
		{
			"people approve their own requests", fourEyes, approval,
			`requester == "" || approver == requester`, `requester == ""`, resetTests(),
		},
		{
			"an approval of nobody counts", fourEyes, approval,
			`	case approver == "":`, `	case approver == "nobody":`, resetTests(),
		},
		{
			"names that nobody checks are trusted", fourEyes, approval,
			`	case o.NamesTrustedSince.IsZero():`, `	case o.Now.IsZero():`, resetTests(),
		},
		{
			"an approval from before names were checked counts", fourEyes, approval,
			`	case a.CreationTimestamp.Time.Before(o.NamesTrustedSince):`, `	case a.CreationTimestamp.IsZero():`, resetTests(),
		},
		{
			"a denial does not end the request", fourEyes, approval,
			`	if i < 0 {
		return nil
	}
	return &o.Approvals[i]`, `	if i < 0 || len(o.Approvals) > 1 {
		return nil
	}
	return &o.Approvals[i]`, resetTests(),
		},
		{
			"a command is shown that a shell understands otherwise", fourEyes, approval,
			`		if !plainWord.MatchString(word) {`, `		if word == "" {`, resetTests(),
		},
		{
			"a denial that comes while the claim is stored is no matter", fourEyes, conclusion,
			`	if decision, decided := approval(o); decided {`, `	if decision, decided := approval(o); decided && o.Request == nil {`, resetTests(),
		},
		{
			"approvals are not read again after the claim", fourEyes, pass,
			`	if err := p.readApprovals(ctx); err != nil {
		p.log.Error`, `	if err := ctx.Err(); err != nil {
		p.log.Error`, schedules,
		},
		{
			"a workspace that was re-pointed is called with its former Secret", fourEyes, brakes,
			`	if p.Workspace.Spec.SecretRef != cached.Spec.SecretRef {`, `	if p.Workspace == nil {`, passTests(),
		},
		{
			"a pass reads approvals from the cache", fourEyes, brakes,
			`listApprovals(ctx, p.live, p.name)`, `listApprovals(ctx, p.kube, p.name)`, schedules,
		},
		{
			"a policy that spares some namespaces is enough", fourEyes, policies,
			`		selectsAll(constraints.NamespaceSelector) && `, `		`, passTests(),
		},
		{
			"a policy that only warns is enough", fourEyes, policies,
			`		slices.Contains(binding.ValidationActions, admissionregistrationv1.Deny)`, `		!slices.Contains(binding.ValidationActions, admissionregistrationv1.Audit)`, passTests(),
		},
	}
}
