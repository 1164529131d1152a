// A mesh in plain arrays, and the work on it: Laplacian smoothing that asks every few microseconds whether to
// stop.
#pragma once

#include "CoreMinimal.h"
#include "Misc/QueuedThreadPool.h"

#include <atomic>

/** Positions, and who is connected to whom. In a real plugin these come out of an FMeshDescription or
 * FDynamicMesh3. */
struct FSmoothableMesh
{
	TArray<FVector3f> Positions;
	/** The neighbours of vertex V are Neighbours[FirstNeighbour[V]] up to Neighbours[FirstNeighbour[V +
	 * 1]]. */
	TArray<int32> FirstNeighbour;
	TArray<int32> Neighbours;

	/** A square sheet of Side x Side vertices with bumps; its border has no neighbours, so it stays where
	 * it is. */
	static FSmoothableMesh MakeBumpySheet(int32 Side);

	/** Mean distance of the vertices from the middle of their neighbours. */
	static double Roughness(const FSmoothableMesh& Mesh, const TArray<FVector3f>& Positions);
};

using FSharedMesh = TSharedPtr<const FSmoothableMesh, ESPMode::ThreadSafe>;

/** Smooths a copy of a mesh. On one thread at a time, but for the split that SmoothPassOn makes. */
class FMeshSmoothing
{
public:
	FMeshSmoothing(FSharedMesh InMesh, int32 InPasses);

	bool IsDone() const { return Passes.load() >= TotalPasses; }
	int32 GetPasses() const { return Passes.load(); }
	int32 GetTotalPasses() const { return TotalPasses; }

	/** Goes on with the present pass, up to so many vertices. False: it was asked to stop. */
	bool SmoothSome(int32 MaxVertices);

	/** A whole pass, split over threads of the pool, each of which works for what is current here. False:
	 * as above. */
	bool SmoothPassOn(FQueuedThreadPool& Pool);

	/** Not while it works. What there is so far: after so many whole passes. */
	const TArray<FVector3f>& GetPositions() const { return Present; }
	const FSmoothableMesh& GetMesh() const { return *Mesh; }

	/** Vertices from First up to End of the pass. False: asked to stop before the last one. */
	bool SmoothRange(int32 First, int32 End);

private:
	void EndPass();

	FSharedMesh Mesh;
	TArray<FVector3f> Present;
	TArray<FVector3f> Next;
	int32 NextVertex = 0;
	std::atomic<int32> Passes{0};
	int32 TotalPasses;
};
