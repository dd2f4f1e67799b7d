// SPDX-License-Identifier: Apache-2.0
// Names for the resources of webapi/openapi.yaml; the types themselves are generated from it at build time.
import type { components, operations } from '#schema';

type Schemas = components['schemas'];

export type Problem = Schemas['Problem'];
export type Session = Schemas['Session'];
export type User = Schemas['User'];
export type Host = Schemas['Host'];
export type HostPower = Schemas['HostPower'];
export type HostCertificate = Schemas['HostCertificate'];
export type SigningRequest = Schemas['SigningRequest'];
export type HostMemory = Schemas['HostMemory'];
export type HostMetrics = Schemas['HostMetrics'];
export type VmMetrics = Schemas['VmMetrics'];
export type MetricsSeries = Schemas['MetricsSeries'];
export type MetricsRange = HostMetrics['range'];
export type Alarm = Schemas['Alarm'];
export type GuestItems = Schemas['GuestItems'];
export type GuestAddresses = operations['setGuestAddresses']['requestBody']['content']['application/json'];
export type Vm = Schemas['Vm'];
export type VmState = Schemas['VmState'];
export type VmCreate = Schemas['VmCreate'];
export type VmPatch = Schemas['VmPatch'];
export type VmDisk = Schemas['VmDisk'];
export type VmDiskCreate = Schemas['VmDiskCreate'];
export type Disk = Schemas['Disk'];
export type DiskCreate = Schemas['DiskCreate'];
export type DiskActionOptions = Schemas['DiskActionOptions'];
export type DiskUpload = Schemas['DiskUpload'];
export type Volume = Schemas['Volume'];
export type Iso = Schemas['Iso'];
export type Switch = Schemas['Switch'];
export type SwitchCreate = Schemas['SwitchCreate'];
export type SwitchPatch = Schemas['SwitchPatch'];
export type SwitchType = Schemas['SwitchType'];
export type HostNetworkAdapter = Schemas['HostNetworkAdapter'];
export type NetworkAdapter = Schemas['NetworkAdapter'];
export type NetworkAdapterCreate = Schemas['NetworkAdapterCreate'];
export type NetworkAdapterPatch = Schemas['NetworkAdapterPatch'];
export type Job = Schemas['Job'];
export type Event = Schemas['Event'];
export type PowerAction = 'start' | 'shutdown' | 'turn-off' | 'reset' | 'restart' | 'pause' | 'resume' | 'save' | 'discard-saved-state';
