/// A probe as a line for the kernel, in the two ways in which its arguments can be named.
///
/// The lines are those that were accepted and exercised on 6.1 (offsets) and 6.12 and 7.3 (names).
struct ProbeLine: Sendable {
  /// With BTF, for `dynamic_events`; arguments at a return need 6.9.
  let named: String
  /// With offsets, for `kprobe_events`: `$D`, `$G`, `$I`, `$O` and `$W` stand for shell variables.
  let offset: String

  /// The offset form as `kprobe_event=` wants it on the kernel command line.
  var boot: String {
    String(
      offset.replacing("own/", with: "").map { $0 == " " ? "," : $0 })
  }

  /// The probe as a bootconfig has it below `ftrace.event`: `kprobes.use { probes = "…"; enable }`.
  var bootConfig: String {
    let isReturn = offset.hasPrefix("r:")
    let words = offset.dropFirst("p:own/".count).split(separator: " ")
    let arguments = words.dropFirst(2).joined(separator: " ")
    return "kprobes.\(words[0]) { probes = \"\(words[1])\(isReturn ? "%return" : "") \(arguments)\"; enable }"
  }

  /// Whether it watches iommufd's claim or release of a device, which kernels before 6.2 do not have.
  var isOfDevice: Bool {
    // As bytes: to look for text in a text, the standard library takes a tenth of the time that a small capture does.
    let bytes = offset.utf8.span
    return bytes.contains(" iommu_device_claim_") || bytes.contains(" iommu_device_release_")
  }

  private static let groupByName =
    "grp=dev->iommu_group id=dev->iommu_group->id cnt=dev->iommu_group->owner_cnt"
  private static let ownerByName = "own=dev->iommu_group->owner"
  private static let groupByOffset =
    #"grp=+$G(\$arg1):x64 id=+$I(+$G(\$arg1)):s32 cnt=+$O(+$G(\$arg1)):u32"#
  private static let device = #"dev=+0(+0(\$arg1)):string"#

  static let probe = ProbeLine(
    named: "f:own/rp really_probe dev=dev->kobj.name:string drv=drv->name:string",
    offset: #"p:own/rp really_probe \#(device) drv=+0(+0(\$arg2)):string"#)
  static let probeReturn = ProbeLine(
    named: "f:own/rp_x really_probe%return ret=$retval dev=dev->kobj.name:string drv=drv->name:string",
    offset: #"r:own/rp_ret really_probe ret=\$retval:s32"#)
  static let use = ProbeLine(
    named: "f:own/use iommu_device_use_default_domain dev=dev->kobj.name:string drv=dev->driver->name:string "
      + "\(groupByName) \(ownerByName)",
    offset: #"p:own/use iommu_device_use_default_domain \#(device) drv=+0(+0(+$D(\$arg1))):string "#
      + #"\#(groupByOffset) own=+$W(+$G(\$arg1)):x64"#)
  static let useReturn = ProbeLine(
    named: "f:own/use_x iommu_device_use_default_domain%return ret=$retval dev=dev->kobj.name:string "
      + "\(groupByName) \(ownerByName)",
    offset: #"r:own/use_ret iommu_device_use_default_domain ret=\$retval:s32"#)
  static let unuse = ProbeLine(
    named: "f:own/unuse iommu_device_unuse_default_domain dev=dev->kobj.name:string \(groupByName)",
    offset: #"p:own/unuse iommu_device_unuse_default_domain \#(device) \#(groupByOffset)"#)
  static let claim = ProbeLine(
    named:
      "f:own/claim iommu_group_claim_dma_owner grp=group id=group->id cnt=group->owner_cnt own=group->owner",
    offset: #"p:own/claim iommu_group_claim_dma_owner grp=\$arg1:x64 id=+$I(\$arg1):s32 cnt=+$O(\$arg1):u32 "#
      + #"own=+$W(\$arg1):x64 new=\$arg2:x64"#)
  static let claimReturn = ProbeLine(
    named: "f:own/claim_x iommu_group_claim_dma_owner%return ret=$retval grp=group id=group->id "
      + "cnt=group->owner_cnt own=group->owner",
    offset: #"r:own/claim_ret iommu_group_claim_dma_owner ret=\$retval:s32"#)
  static let deviceClaim = ProbeLine(
    named:
      "f:own/dclaim iommu_device_claim_dma_owner dev=dev->kobj.name:string \(groupByName) \(ownerByName)",
    offset:
      #"p:own/dclaim iommu_device_claim_dma_owner \#(device) \#(groupByOffset) own=+$W(+$G(\$arg1)):x64 "#
      + #"new=\$arg2:x64"#)
  static let deviceRelease = ProbeLine(
    named:
      "f:own/drel iommu_device_release_dma_owner dev=dev->kobj.name:string \(groupByName) \(ownerByName)",
    offset:
      #"p:own/drel iommu_device_release_dma_owner \#(device) \#(groupByOffset) own=+$W(+$G(\$arg1)):x64"#)
  static let deviceClaimReturn = ProbeLine(
    named: "f:own/dclaim_x iommu_device_claim_dma_owner%return ret=$retval dev=dev->kobj.name:string "
      + "\(groupByName) \(ownerByName)",
    offset: #"r:own/dclaim_ret iommu_device_claim_dma_owner ret=\$retval:s32"#)
  static let release = ProbeLine(
    named:
      "f:own/rel iommu_group_release_dma_owner grp=group id=group->id cnt=group->owner_cnt own=group->owner",
    offset: #"p:own/rel iommu_group_release_dma_owner grp=\$arg1:x64 id=+$I(\$arg1):s32 cnt=+$O(\$arg1):u32 "#
      + #"own=+$W(\$arg1):x64"#)
  static let query = ProbeLine(
    named:
      "f:own/query iommu_group_dma_owner_claimed grp=group id=group->id cnt=group->owner_cnt own=group->owner",
    offset:
      #"p:own/query iommu_group_dma_owner_claimed grp=\$arg1:x64 id=+$I(\$arg1):s32 cnt=+$O(\$arg1):u32 "#
      + #"own=+$W(\$arg1):x64"#)
  static let queryReturn = ProbeLine(
    named: "f:own/query_x iommu_group_dma_owner_claimed%return ret=$retval grp=group id=group->id "
      + "cnt=group->owner_cnt",
    offset: #"r:own/query_ret iommu_group_dma_owner_claimed ret=\$retval:u8"#)

  /// The return of a call that has a code.
  static func codes(of kind: OwnershipCallKind) -> ProbeLine? {
    switch kind {
    case .use: useReturn
    case .claim: claimReturn
    case .deviceClaim: deviceClaimReturn
    case .query: queryReturn
    case .unuse, .release, .deviceRelease: nil
    }
  }
}
