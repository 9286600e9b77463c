/// The shortest capture that would decide what this one leaves open, as lines to paste into a shell.
enum CaptureRecipe {
  static func lines(
    verdict: Verdict, evidence: KernelEvidence, hasCalls: Bool, hasUnattributed: Bool, hasUnknownCount: Bool,
    hasLoss: Bool, release: String?
  ) -> [String] {
    guard verdict == .inconclusive else { return [] }
    if hasLoss, !hasUnattributed, hasCalls {
      return [
        "# the same capture without losses: a larger buffer, written before the first event",
        "echo 65536 > /sys/kernel/tracing/buffer_size_kb      # or trace_buf_size=64M at boot",
      ]
    }
    if hasCalls, !hasUnattributed, hasUnknownCount {
      return
        ["# the same probes from before the first driver binds, on the kernel command line:"]
        + [
          "trace_buf_size=16M trace_clock=global kprobe_event=\"<the probes, ';' between them, ',' for blanks>\""
        ]
        + ["# or a listing beside this capture, to account for every member of the group:"]
        + ["find /sys/kernel/iommu_groups -type l; lspci -nnk"]
    }
    return probes(for: release) + [
      "echo 1 > /sys/kernel/tracing/events/own/enable   # then start the VM again"
    ]
  }

  /// Kernels with BTF access to arguments at a return (6.9 and later) need no offsets.
  private static func probes(for release: String?) -> [String] {
    guard let version = KernelVersion(release), version < .firstWithNamedArguments else {
      return ["cat >> /sys/kernel/tracing/dynamic_events <<'EOF'"] + byName + ["EOF"]
    }
    return [
      "# offsets of this kernel: pahole -C iommu_group /sys/kernel/btf/vmlinux; pahole -C device /sys/kernel/btf/vmlinux",
      "# G = device.iommu_group, I = iommu_group.id, O = iommu_group.owner_cnt",
      "cat >> /sys/kernel/tracing/kprobe_events <<'EOF'",
    ] + byOffset + ["EOF"]
  }

  private static let byName = [
    "f:own/rp really_probe dev=dev->kobj.name:string drv=drv->name:string",
    "f:own/rp_x really_probe%return ret=$retval dev=dev->kobj.name:string",
    "f:own/use iommu_device_use_default_domain dev=dev->kobj.name:string grp=dev->iommu_group "
      + "id=dev->iommu_group->id cnt=dev->iommu_group->owner_cnt",
    "f:own/use_x iommu_device_use_default_domain%return ret=$retval dev=dev->kobj.name:string grp=dev->iommu_group",
    "f:own/unuse iommu_device_unuse_default_domain dev=dev->kobj.name:string grp=dev->iommu_group "
      + "id=dev->iommu_group->id cnt=dev->iommu_group->owner_cnt",
    "f:own/claim_x iommu_group_claim_dma_owner%return ret=$retval grp=group id=group->id cnt=group->owner_cnt",
    "f:own/rel iommu_group_release_dma_owner grp=group id=group->id cnt=group->owner_cnt",
    "f:own/query_x iommu_group_dma_owner_claimed%return ret=$retval grp=group id=group->id cnt=group->owner_cnt",
  ]

  private static let byOffset = [
    "p:own/rp really_probe dev=+0(+0($arg1)):string drv=+0(+0($arg2)):string",
    "r:own/rp_ret really_probe ret=$retval:s32",
    "p:own/use iommu_device_use_default_domain dev=+0(+0($arg1)):string grp=+G($arg1):x64 id=+I(+G($arg1)):s32 "
      + "cnt=+O(+G($arg1)):u32",
    "r:own/use_ret iommu_device_use_default_domain ret=$retval:s32",
    "p:own/unuse iommu_device_unuse_default_domain dev=+0(+0($arg1)):string grp=+G($arg1):x64 "
      + "id=+I(+G($arg1)):s32 cnt=+O(+G($arg1)):u32",
    "p:own/claim iommu_group_claim_dma_owner grp=$arg1:x64 id=+I($arg1):s32 cnt=+O($arg1):u32",
    "r:own/claim_ret iommu_group_claim_dma_owner ret=$retval:s32",
    "p:own/release iommu_group_release_dma_owner grp=$arg1:x64 id=+I($arg1):s32 cnt=+O($arg1):u32",
    "p:own/query iommu_group_dma_owner_claimed grp=$arg1:x64 id=+I($arg1):s32 cnt=+O($arg1):u32",
    "r:own/query_ret iommu_group_dma_owner_claimed ret=$retval:u8",
  ]
}
