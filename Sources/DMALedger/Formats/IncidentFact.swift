/// What a line of a user-space log or of a listing of groups says.
package enum IncidentFact: Sendable, Equatable {
  /// VFIO refused a group: QEMU's, libvirt's or DPDK's words. Group or device may be missing.
  case refused(group: Int?, device: NameID?)
  /// The same program got the group after all.
  case granted(group: Int)
  /// A device is in a group.
  case member(device: NameID, group: Int)
  /// A device has a driver, or none.
  case driver(device: NameID, driver: NameID?)
  /// Both in one line.
  case placed(device: NameID, group: Int, driver: NameID?)
}
