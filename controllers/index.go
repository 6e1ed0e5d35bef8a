package controllers

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// The fields by which cached objects are found.
const (
	// openByWorkspace finds requests without an outcome by "namespace/name" of
	// their workspace.
	openByWorkspace = "open.workspace"
	// openByTarget finds requests without an outcome by the id of their user.
	openByTarget = "open.target"
	// recordByTarget finds records by the id of their user. It is also a field
	// selector of the API server.
	recordByTarget = "target.userID"
	// approvalByRequest finds approvals by the name of their request. It is also a
	// field selector of the API server.
	approvalByRequest = "spec.requestName"
	// recordByStanding finds the records with an attempt that matters to later ones with
	// the same Secret, by "namespace/name@resourceVersion" of workspace and Secret.
	recordByStanding = "standing"
	// recordByUsed finds the records with an attempt that was, or may have been, called
	// with a Secret, likewise.
	recordByUsed = "used"
)

func addIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	indexes := []struct {
		object client.Object
		field  string
		values client.IndexerFunc
	}{
		{&v1alpha1.UserCredentialReset{}, openByWorkspace, indexOpenByWorkspace},
		{&v1alpha1.UserCredentialReset{}, openByTarget, indexOpenByTarget},
		{&v1alpha1.ResetApproval{}, approvalByRequest, indexApprovalByRequest},
		{&v1alpha1.ResetRecord{}, recordByTarget, indexRecordByTarget},
		{&v1alpha1.ResetRecord{}, recordByStanding, indexRecordByStanding},
		{&v1alpha1.ResetRecord{}, recordByUsed, indexRecordByUsed},
	}
	for _, index := range indexes {
		if err := indexer.IndexField(ctx, index.object, index.field, index.values); err != nil {
			return fmt.Errorf("index %s: %w", index.field, err)
		}
	}
	return nil
}

func indexOpenByWorkspace(object client.Object) []string {
	request, ok := object.(*v1alpha1.UserCredentialReset)
	if !ok || request.Status.Outcome != "" {
		return nil
	}
	workspace := reset.WorkspaceOf(request)
	return []string{workspace.Namespace + "/" + workspace.Name}
}

func indexOpenByTarget(object client.Object) []string {
	request, ok := object.(*v1alpha1.UserCredentialReset)
	if !ok || request.Status.Outcome != "" || request.Status.Target == nil {
		return nil
	}
	return []string{request.Status.Target.UserID}
}

func indexApprovalByRequest(object client.Object) []string {
	approval, ok := object.(*v1alpha1.ResetApproval)
	if !ok {
		return nil
	}
	return []string{approval.Spec.RequestName}
}

func indexRecordByTarget(object client.Object) []string {
	record, ok := object.(*v1alpha1.ResetRecord)
	if !ok {
		return nil
	}
	return []string{record.Target.UserID}
}

func indexRecordByStanding(object client.Object) []string {
	record, ok := object.(*v1alpha1.ResetRecord)
	if !ok {
		return nil
	}
	var values []string
	for version := range reset.Standings(record) {
		values = append(values, secretKey(record.Workspace, version))
	}
	return values
}

func indexRecordByUsed(object client.Object) []string {
	record, ok := object.(*v1alpha1.ResetRecord)
	if !ok {
		return nil
	}
	var values []string
	for _, version := range reset.UsedVersions(record) {
		values = append(values, secretKey(record.Workspace, version))
	}
	return values
}

func secretKey(workspace v1alpha1.RecordedWorkspace, secretVersion string) string {
	return workspace.Namespace + "/" + workspace.Name + "@" + secretVersion
}

// standing is what attempts with this very Secret came to.
func (o *Operator) standing(ctx context.Context, workspace types.NamespacedName, secret connectionSecret) (reset.Standing, error) {
	standing := o.board.standing(workspace, secret.version)
	key := secretKey(v1alpha1.RecordedWorkspace{Namespace: workspace.Namespace, Name: workspace.Name}, secret.version)
	telling, err := o.listRecords(ctx, recordByStanding, key)
	if err != nil {
		return reset.Standing{}, err
	}
	for i := range telling {
		standing = standing.And(reset.Standings(&telling[i])[secret.version])
	}
	if secret.connection.IsGoodOnce() {
		used, err := o.listRecords(ctx, recordByUsed, key)
		if err != nil {
			return reset.Standing{}, err
		}
		if len(used) > 0 {
			standing = standing.And(reset.CodeUsedUp())
		}
	}
	return standing, nil
}

// listRecords lists records by an index of the cache, for looking only.
func (o *Operator) listRecords(ctx context.Context, field, value string) ([]v1alpha1.ResetRecord, error) {
	var records v1alpha1.ResetRecordList
	if err := o.kube.List(ctx, &records, client.MatchingFields{field: value}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list records by %s: %w", field, err)
	}
	return records.Items, nil
}
