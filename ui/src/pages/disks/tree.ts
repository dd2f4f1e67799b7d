// SPDX-License-Identifier: Apache-2.0
// Disks in the order of their tree: a differencing disk right after its parent, with how deep it stands.
import type { Disk } from '../../api/types.js';

export interface TreeRow extends Disk {
	depth: number;
}

/* A disk whose parent is not in the list (it may be filtered away) stands at the top. */
export function asTree(disks: readonly Disk[]): TreeRow[] {
	const here = new Set(disks.map((disk) => disk.id));
	const rows: TreeRow[] = [];
	const add = (disk: Disk, depth: number): void => {
		rows.push({ ...disk, depth });
		for (const child of disks) if (child.parent?.id === disk.id) add(child, depth + 1);
	};
	for (const disk of disks) if (!disk.parent || !here.has(disk.parent.id)) add(disk, 0);
	return rows;
}
