import gulp from 'gulp'
import rev from 'gulp-rev'
import rewrite from 'gulp-rev-rewrite'
import { readFileSync } from 'node:fs'

const media = () => gulp.src(['src/images/**'], { base: 'src', encoding: false })
  .pipe(rev()).pipe(gulp.dest('dist')).pipe(rev.manifest('dist/rev-manifest.json', { base: 'dist', merge: true })).pipe(gulp.dest('dist'))
const code = () => gulp.src(['src/css/**', 'src/js/**'], { base: 'src' })
  .pipe(rewrite({ manifest: readFileSync('dist/rev-manifest.json') }))
  .pipe(rev()).pipe(gulp.dest('dist')).pipe(rev.manifest('dist/rev-manifest.json', { base: 'dist', merge: true })).pipe(gulp.dest('dist'))
const pages = () => gulp.src('src/**/*.html').pipe(rewrite({ manifest: readFileSync('dist/rev-manifest.json') })).pipe(gulp.dest('dist'))
const copied = () => gulp.src('public/**', { encoding: false, dot: true }).pipe(gulp.dest('dist'))
export default gulp.series(copied, media, code, pages)
