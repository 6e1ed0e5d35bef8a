local reason = ""
local status = obj.status or {}
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Succeeded" then
    reason = condition.reason
  end
end
-- Argo CD also runs what discovery does not offer.
if reason ~= "AwaitingApproval" or status.target == nil then
  error("the request does not wait for an approval", 0)
end

local message = actionParams["message"]
if message == "" then
  message = nil
end

return {
  {
    operation = "create",
    resource = {
      apiVersion = obj.apiVersion,
      kind = "ResetApproval",
      metadata = {
        generateName = obj.metadata.name .. "-",
        namespace = obj.metadata.namespace,
        ownerReferences = {
          {apiVersion = obj.apiVersion, kind = obj.kind, name = obj.metadata.name, uid = obj.metadata.uid},
        },
      },
      spec = {
        requestName = obj.metadata.name,
        requestUID = obj.metadata.uid,
        userID = status.target.userID,
        decision = "Denied",
        message = message,
      },
    },
  },
}
